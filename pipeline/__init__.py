"""The typed configuration, the pipeline, its runners and the command line."""
