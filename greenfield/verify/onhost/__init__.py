"""Programs that checks run on hosts: read as text, sent over the session, never imported. Standard library only."""
