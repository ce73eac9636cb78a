"""The one list of our top-level packages, by the distribution that owns them."""

DISTRIBUTIONS = {
    "shelfsort": ("shelfsort",),
    "shelfsort-serving": ("serving",),
    "shelfsort-pipeline": ("components", "demo", "pipeline", "schema"),
}

OUR_PACKAGES = tuple(sorted(name for owned in DISTRIBUTIONS.values() for name in owned))
