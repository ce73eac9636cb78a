"""The results database: answers, decisions, reviews and audits."""
