"""The vocabulary: Node -> Node functions, of public functions and derivative rules alike."""
