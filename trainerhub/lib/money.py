"""Amounts of money as people read them."""

from __future__ import annotations

# The currencies whose minor unit is not a hundredth, as payment providers count them.
WHOLE = frozenset(
    [
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "JPY",
        "KMF",
        "KRW",
        "MGA",
        "PYG",
        "RWF",
        "UGX",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    ]
)
THOUSANDTHS = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})


def in_words(amount_minor: int, currency: str) -> str:
    """Write 4500 minor units of GBP as "45.00 GBP"."""
    decimals = 0 if currency in WHOLE else 3 if currency in THOUSANDTHS else 2
    return f"{amount_minor / 10**decimals:.{decimals}f} {currency}"
