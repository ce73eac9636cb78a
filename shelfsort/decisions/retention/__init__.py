"""What the results database forgets: by age, or because somebody asks for it."""
