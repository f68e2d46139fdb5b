"""TrainerHub: the booking API for personal trainers."""
