#!/bin/bash
#
# Tests a device through VFIO: lists the devices that stand behind an IOMMU, binds the chosen one to vfio-platform, runs
# the general test and the one made for the device, and unbinds it again.
#
# The questions and answers are those of the suite of Virtual Open Systems. What is not here is the compilation: the
# programs are there.

# Tells the name of a device by the directory it is listed in: $1 the path, $2 the directory.
device_name() {
    echo "${1##$2}"
}

# Binds device $1 of bus $2 to VFIO; $3 is where the link to its present driver would be.
probe_device() {
    if [ ! -e "/sys/bus/$2/devices/$1/driver_override" ]; then
        return 1
    fi
    echo vfio-platform > "/sys/bus/$2/devices/$1/driver_override"

    if [ -d "$3" ]; then
        echo the device has already a driver, unloading it
        echo "$1" > "/sys/bus/$2/devices/$1/driver/unbind"
    fi
    echo "$1" > "/sys/bus/$2/drivers_probe"
}

# The number of the group that the link $1 leads to, -1 for anything else.
iommu_group_of() {
    local link=$(readlink "$1")
    local number="${link##*iommu_groups/}"

    case "$number" in
        '' | *[!0-9]*) echo -1 ;;
        *) echo "$number" ;;
    esac
}

SOURCE_DIR="./src_test"
BASE_DIR=$(pwd)
TEST_BIN="$SOURCE_DIR/vfio_dev_test"

if [ ! -f "$TEST_BIN" ]; then
    echo Compiling VFIO test binary
    echo missing source file "$SOURCE_DIR/vfio_device_test.c"
    exit 1
fi

test_irq=0
only_specific=0
for key in "$@"; do
    case "$key" in
        -i | --test-irq) test_irq=1 ;;
        -s | --only-specific) only_specific=1 ;;
        --default) ;;
        *)
            echo "$(basename "$0") [-i|--test-irq][-s|--only-specific]"
            exit 0
            ;;
    esac
done

echo Reading available devices to test...
count=0
for dir in /sys/bus/platform/devices/ /sys/bus/amba/devices/; do
    for path in $(find $dir); do
        if [ -d "$path/iommu_group" ]; then
            eval "path_$count=\$path dir_$count=\$dir"
            echo "$count) $(device_name "$path" "$dir")"
            count=$((count + 1))
        fi
    done
done

echo "Choose the device index to test [0 ... $((count - 1))]:"
read choice

valid=1
case "$choice" in
    '' | *[!0-9]*) valid=0 ;;
    *) [ "$choice" -lt "$count" ] || valid=0 ;;
esac
if [ $valid -eq 0 ]; then
    echo Please select a value between 0 and $((count - 1)) >&2
    exit 1
fi

choice=$((choice * 1))
eval "path=\$path_$choice dir=\$dir_$choice"
subsystem=$(readlink "$path/subsystem")
bus="${subsystem##*/}"
device=$(device_name "$path" "$dir")

group=$(iommu_group_of "$path/iommu_group")
if [ "$group" -eq -1 ]; then
    echo error reading IOMMU group of the device
    exit 1
fi

if ! probe_device "$device" "$bus" "$path/driver"; then
    echo VFIO: error while probing device "$device"
    exit 1
fi

echo -e '\n'

if [ $only_specific -ne 1 ]; then
    echo ==================== begin test =====================
    echo "testing device: $device; IOMMU group: $group; bus: $bus"

    echo ------------------ C code ---------------------------
    if $TEST_BIN "$device" "$group" "$test_irq" "$bus"; then
        echo -e '\n'
        echo ----------------- end C code -----------------------
        echo test completed successfully
    else
        echo ----------------- end C code -----------------------
        echo some errors occurred
    fi
fi

echo ============== device specifid test =================
case "$device" in
    2c0a0000.dma | 2c0a1000.dma | 2c0a2000.dma | 2c0a3000.dma)
        if [ ! -f "$SOURCE_DIR/pl330/Makefile" ]; then
            echo Makefile is missing!
            exit 1
        fi

        echo compiling DMA330 test code
        if [ ! -f "$SOURCE_DIR/pl330/test_pl330_vfio_driver" ]; then
            echo Some error occurred during the compilation
            exit 1
        fi

        cd "$BASE_DIR"
        $SOURCE_DIR/pl330/test_pl330_vfio_driver "/dev/vfio/$group" "$device"
        ;;
    *)
        echo no specific test available
        ;;
esac

if echo "$device" > "/sys/bus/$bus/drivers/vfio-platform/unbind"; then
    echo VFIO: device "$device" unbound successfully
else
    echo VFIO: error while unbinding device "$device"
    exit 1
fi
echo ===================== end test ======================
echo -e '\n'
