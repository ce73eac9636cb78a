"""The one HTTP stack: applications, what protects them, a style sheet, and a server to run them."""
