"""Turns a labelled manifest and its images into checked, split tf.Examples."""
