"""What both front ends ask for: scan, show, acknowledge."""
