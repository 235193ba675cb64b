s/ \|\| FIELD_TYPE\(field_at\(i\)\) == TYPE_INFORMATION//
