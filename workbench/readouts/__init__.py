"""What is measured: one number per window, or a time course."""
