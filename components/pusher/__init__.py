"""The component that puts a blessed model live."""
