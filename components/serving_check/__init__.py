"""The component that loads a model as a server would, and asks it before anyone else does."""
