"""What doctor looks at, a file a subject."""
