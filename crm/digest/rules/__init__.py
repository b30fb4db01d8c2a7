"""The laws of the weekly mail: when it goes out, what a letter is, how its links are signed."""
