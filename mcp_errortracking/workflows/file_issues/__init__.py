"""The issues whose stack frames lie in files of a checkout, with their lines as they are today."""
