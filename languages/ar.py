{
'!langcode!': 'ar',
'!langname!': 'العربية',
}
