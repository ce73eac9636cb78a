"""Decisions that people look at: those that are left to them, and audits."""
