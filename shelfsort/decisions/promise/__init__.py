"""Whether what is decided without a person is as often right as was promised."""
