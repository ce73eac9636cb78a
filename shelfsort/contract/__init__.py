"""What training writes and servers and clients read: messages, outputs, names of files."""
