"""What records mean: from records on disk to a report."""
