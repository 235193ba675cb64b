/EACH\(read_often, encoding\) vmwrite/d
