"""How much the proofs try: a little in `make test`, all of it in `make prove`."""

import os
import random
import sys

ALL = bool(os.environ.get("PROVE"))
"Whether to try each step, and many more kills and messages: `make prove`."
SEED = int(os.environ.get("SEED") or random.randrange(1 << 32))
"Decides which troubles are drawn. A failed test prints it: with SEED=N the same are drawn again."


def tell(**figures: object) -> None:
    """Print what a proof has found; pytest shows that if the proof fails, and `make prove` in any case."""
    sys.stdout.write(" ".join(f"{name}={value}" for name, value in figures.items()) + "\n")
