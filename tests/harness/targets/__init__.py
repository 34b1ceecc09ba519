"""From what the user typed to the facts about it: locating, reading signatures, inspecting."""
