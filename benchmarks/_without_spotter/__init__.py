"""TrainerHub as it is served where Spotter is not installed."""
