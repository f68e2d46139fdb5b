"""Run the benchmarks: `python -m benchmarks [name … [--options]]`, or all of them."""

from __future__ import annotations

import importlib
import itertools
import pkgutil
import sys

import benchmarks


def names() -> list[str]:
    """Every module of this package that has something to run."""
    found = (module.name for module in pkgutil.iter_modules(benchmarks.__path__))
    return sorted(name for name in found if not name.startswith("_"))


def main(arguments: list[str]) -> None:
    """Run the chosen benchmarks, each by its module's `main()`."""
    chosen = list(itertools.takewhile(lambda word: word[0] != "-", arguments))
    unknown = set(chosen) - set(names())
    if unknown:
        raise SystemExit(f"no benchmark {sorted(unknown)}; there are {names()}")
    for name in chosen or names():
        print(f"== {name}", flush=True)
        sys.argv = [f"benchmarks {name}", *arguments[len(chosen) :]]
        importlib.import_module(f"benchmarks.{name}").main()


if __name__ == "__main__":
    main(sys.argv[1:])
