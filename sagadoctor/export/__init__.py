"""Reports as others want them: pure functions, for both front ends."""
