"""The `bd` dialect: argv in, bytes and an exit code out. `answer.answer` is its one door."""
