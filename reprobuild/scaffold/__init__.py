"""What lies in a project's folder, as read and never run; and the files that make it a project of reprobuild."""
