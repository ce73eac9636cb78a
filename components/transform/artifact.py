"""What Transform leaves behind: names of its vocabularies, and the range of a feature."""

WORDS_VOCABULARY = "words"
PIECES_VOCABULARY = "pieces"
CATEGORIES_VOCABULARY = "categories"

PRICE_BUCKETS = 48
"""`price_bucket` is 1 to this, 0 where no price is given."""
