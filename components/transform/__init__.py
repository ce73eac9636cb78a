"""Transform: words to weighted terms, categories to ids; pictures pass through."""
