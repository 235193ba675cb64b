s/ \| ERROR_CODE//
