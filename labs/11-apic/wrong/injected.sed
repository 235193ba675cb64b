s/== 1\) request\(FIRST\)/== 1) vmwrite(ENTRY_INTERRUPTION, FIRST | BIT(31))/
