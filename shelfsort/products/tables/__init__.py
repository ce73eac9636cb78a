"""Products in tables and folders: reads each form into lines of a manifest."""
