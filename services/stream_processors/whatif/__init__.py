"""History judged twice in one pass: under the documents in force, and under these with another one."""
