"""Plan, standards and policies as data: every figure with its source and the dates on which it is in force. Pure."""
