"""The routes by idea: each says what it asks for and answers, and leaves the work to the parts."""
