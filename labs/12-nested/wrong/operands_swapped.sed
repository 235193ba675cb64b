/encoding = \*operand/s/>> 28/>> 3/; /\*value = operand/s/>> 3/>> 28/
