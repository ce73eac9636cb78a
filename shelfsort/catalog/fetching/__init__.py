"""Fetches the pictures that links lead to, and keeps them in a store by their digest."""
