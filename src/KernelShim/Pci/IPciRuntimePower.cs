namespace Emulator.KernelShim;

/// <summary>The driver of a function that lets it sleep while nobody uses it (runtime power management).</summary>
internal interface IPciRuntimePower
{
    /// <summary>One more user: the function is woken if it sleeps (pm_runtime_get_sync).</summary>
    void Resume();

    /// <summary>One user fewer (pm_runtime_put).</summary>
    void Suspend();
}
