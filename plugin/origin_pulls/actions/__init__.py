"""What a person can ask for, a module for each subject. The CLI and the pages call these."""
