"""What the files of a study say, read and checked: studies, facts, dictionaries."""
