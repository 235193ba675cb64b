/EACH\(written_often, encoding\) FIELD12/d
