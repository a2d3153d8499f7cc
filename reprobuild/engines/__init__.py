"""What runs an image."""
