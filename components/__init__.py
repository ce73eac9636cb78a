"""The TFX components of Shelfsort, one folder each."""
