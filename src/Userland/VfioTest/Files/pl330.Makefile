# The program is there already; it was not made from C.
test_pl330_vfio_driver:
