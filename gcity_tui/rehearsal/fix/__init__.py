"""`rehearsal-fix`: a codemod per rule, on the text by positions of the tree; the rest of a file stays byte for byte."""
