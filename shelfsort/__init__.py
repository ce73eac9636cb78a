"""The library of Shelfsort: products, labels, statistics, training, client. It knows no TFX."""
