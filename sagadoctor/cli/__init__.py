"""The command line: talks to people and to cron."""
