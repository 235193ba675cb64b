/< vector\) vmwrite/d
