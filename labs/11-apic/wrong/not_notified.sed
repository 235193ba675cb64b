/descriptor\[vector/d
