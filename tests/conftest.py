"""What all tests share: hypothesis without a deadline, since a busy machine is no fault."""

from hypothesis import settings

settings.register_profile("shelfsort", deadline=None)
settings.load_profile("shelfsort")
